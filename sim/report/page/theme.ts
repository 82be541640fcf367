// Light or dark: what the system prefers, unless the reader says otherwise.
import { make } from './dom.ts'

const ORDER = ['system', 'light', 'dark'] as const
type Theme = (typeof ORDER)[number]

export function themeSwitch(changed: () => void): HTMLElement {
  const root = document.documentElement
  let theme: Theme = 'system'
  const button = make(
    'button',
    { type: 'button', class: 'small theme', title: 'Colours: as the system, light, dark', onclick: () => turn() },
    '',
  )
  const show = () => {
    button.textContent = `◐ ${theme}`
    if (theme === 'system') delete root.dataset['theme']
    else root.dataset['theme'] = theme
    changed()
  }
  const turn = () => {
    theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length] ?? 'system'
    show()
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed)
  show()
  return button
}
