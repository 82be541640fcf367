// One HTML file that needs nothing else: style, code and data are in it, and its own policy forbids it the network.
// Everything that a run says goes in as JSON or base64 in script elements that don't run, and comes out as text.
import { gzipSync } from 'node:zlib'
import { inlineModules, readStyle } from './inline.ts'
import { packColumns } from './page/columns.ts'
import { COLUMNS } from './page/data.ts'
import type { Recording } from './recorder.ts'

const POLICY = "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; img-src data:"

export function renderReport({ facts, columns }: Recording): string {
  const { importMap, entry } = inlineModules('main')
  const packed = gzipSync(packColumns(COLUMNS, columns)).toString('base64')
  const title = escapeHtml(`${facts.name}: ${facts.verdict}`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>
${readStyle()}</style>
</head>
<body>
<main id="page">
<p class="loading">Reading the run …</p>
<noscript>This report draws with JavaScript, all of it in this file.</noscript>
</main>
<script type="application/json" id="facts">${escapeScript(JSON.stringify(facts))}</script>
<script type="text/plain" id="columns">${packed}</script>
<script type="importmap">${escapeScript(importMap)}</script>
<script type="module">import '${entry}'</script>
</body>
</html>
`
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** JSON that can't end the script element it is in. */
function escapeScript(json: string): string {
  return json.replaceAll('<', String.raw`\u003c`)
}
