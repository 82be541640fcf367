// How this program is called from where it runs: from a checkout by npm, once installed through `sessionmesh`.
const isCheckout = import.meta.filename.endsWith('.ts')

export const PROGRAM = isCheckout ? 'sim' : 'sessionmesh sim'

/** A command line that a reader can paste. */
export function commandLine(args: readonly (string | number)[]): string {
  return [isCheckout ? 'npm run sim --' : 'npx sessionmesh sim', ...args.map((arg) => quote(String(arg)))].join(' ')
}

function quote(arg: string): string {
  return /^[\w./:=@%+,-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`
}
