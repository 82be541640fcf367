// Making elements. Text only ever goes in as text: what a run says can't become markup.

type Child = Node | string
interface Attributes {
  readonly class?: string
  readonly title?: string
  readonly onclick?: () => void
  readonly [name: string]: string | (() => void) | undefined
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener('click', value)
    else if (value !== undefined) element.setAttribute(name, value)
  }
  element.append(...children)
  return element
}

export function byId(id: string): HTMLElement {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`the page has no #${id}`)
  return element
}
