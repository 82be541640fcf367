// Bars painted pixel by pixel: tens of thousands of them in a drawing cost a few milliseconds, which as rectangles of
// a canvas they do not.
import type { Surface } from './surface.ts'

const OPAQUE = 0xff000000

export class Pixels {
  readonly #canvas = document.createElement('canvas')
  readonly #colours = new Map<string, number>()
  #image: ImageData | undefined
  #words = new Uint32Array()
  #ratio = 1

  /** Begins an empty image of the surface's size. */
  begin(surface: Surface): void {
    const { width, height } = surface.canvas
    this.#ratio = width / Math.max(1, surface.width)
    if (this.#image?.width !== width || this.#image.height !== height) {
      this.#canvas.width = width
      this.#canvas.height = height
      this.#image = new ImageData(width, height)
      this.#words = new Uint32Array(this.#image.data.buffer)
    }
    this.#words.fill(0)
  }

  /** A filled rectangle, in CSS pixels. */
  bar(left: number, top: number, right: number, bottom: number, colour: string): void {
    const image = this.#image
    if (image === undefined) return
    const [x1, x2] = span(left * this.#ratio, right * this.#ratio, image.width)
    const [y1, y2] = span(top * this.#ratio, bottom * this.#ratio, image.height)
    const word = this.#word(colour)
    for (let y = y1; y < y2; y++) this.#words.fill(word, y * image.width + x1, y * image.width + x2)
  }

  /** Lays the image over the surface. */
  end({ context, width, height }: Surface): void {
    const own = this.#canvas.getContext('2d')
    if (own === null || this.#image === undefined) return
    own.putImageData(this.#image, 0, 0)
    context.drawImage(this.#canvas, 0, 0, width, height)
  }

  /** `#rrggbb` as a pixel: its bytes in memory are red, green, blue, opacity. */
  #word(colour: string): number {
    const known = this.#colours.get(colour)
    if (known !== undefined) return known
    const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
    const word = (OPAQUE | ((blue ?? 0) << 16) | ((green ?? 0) << 8) | (red ?? 0)) >>> 0
    this.#colours.set(colour, word)
    return word
  }
}

/** Whole pixels from `from` to `to`, at least one, inside of the image. */
function span(from: number, to: number, size: number): [number, number] {
  const first = Math.max(0, Math.round(from))
  return [first, Math.min(size, Math.max(first + 1, Math.round(to)))]
}
