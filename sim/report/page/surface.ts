// A canvas that is as sharp as the screen and as wide as its place.

/** As in page.css. */
const FONT = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

export class Surface {
  readonly canvas: HTMLCanvasElement
  readonly context: CanvasRenderingContext2D
  width = 0
  height = 0

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext('2d')
    if (context === null) throw new Error('this browser draws no canvas')
    this.canvas = canvas
    this.context = context
  }

  /** Clears it for a new drawing of this height, in CSS pixels. */
  begin(height: number): void {
    const ratio = globalThis.devicePixelRatio || 1
    const { canvas, context } = this
    this.width = canvas.clientWidth
    this.height = height
    const [width, rows] = [Math.round(this.width * ratio), Math.round(height * ratio)]
    if (canvas.width !== width || canvas.height !== rows) {
      canvas.width = width
      canvas.height = rows
      canvas.style.height = `${height}px`
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    context.clearRect(0, 0, this.width, height)
    context.setLineDash([])
    context.globalAlpha = 1
  }

  text(text: string, x: number, y: number, options: TextOptions): void {
    const { colour, size = 11, align = 'left', weight = 400 } = options
    const { context } = this
    context.font = `${weight} ${size}px ${FONT}`
    context.textAlign = align
    context.textBaseline = 'middle'
    context.fillStyle = colour
    context.fillText(text, x, y)
  }

  widthOf(text: string, { size = 11, weight = 400 }: Pick<TextOptions, 'size' | 'weight'>): number {
    this.context.font = `${weight} ${size}px ${FONT}`
    return this.context.measureText(text).width
  }

  /** Like `text`, but only if it fits into `width`; the end is left out where that helps. */
  textWithin(text: string, x: number, y: number, width: number, options: TextOptions): void {
    if (width < 14) return
    const whole = this.widthOf(text, options)
    if (whole <= width) return this.text(text, x, y, options)
    let kept = Math.floor((text.length * width) / whole) - 1
    while (kept >= 3 && this.widthOf(`${text.slice(0, kept)}…`, options) > width) kept--
    if (kept >= 3) this.text(`${text.slice(0, kept)}…`, x, y, options)
  }
}

export interface TextOptions {
  readonly colour: string
  readonly size?: number
  readonly align?: CanvasTextAlign
  readonly weight?: number
}
