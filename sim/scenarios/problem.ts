// What is wrong with a scenario, and where in it: whoever read the file turns the place into a line.

export class ScenarioProblem extends Error {
  /** Keys from the top, with dots: `faults.2.at`. */
  readonly path: string

  constructor(path: string, message: string) {
    super(message)
    this.path = path
  }
}
