// Settings from a file, the environment and flags; and what a mistake in each is told.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../../node/config-file.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sessionmesh-config-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function load(text: string, env: Record<string, string> = {}, flags: Record<string, unknown> = {}) {
  const file = join(directory, 'peer.yaml')
  writeFileSync(file, text)
  return loadConfig({ file, env, flags })
}

test('flags win over the environment, which wins over the file', () => {
  const config = load(
    'name: file\nzone: file\nweight: 3\n',
    { SESSIONMESH_NAME: 'env', SESSIONMESH_ZONE: 'env' },
    { name: 'flag' },
  )
  expect(config).toMatchObject({ name: 'flag', zone: 'env', weight: 3, durability: 2 })
})

test('JSON is read as well as YAML, and an empty file is no mistake', () => {
  expect(load('{"http": {"host": "::1", "port": 1}}').http).toEqual({ host: '::1', port: 1 })
  expect(load('# nothing yet\n').weight).toBe(1)
})

test.each([
  ['SESSIONMESH_NAME', '7', { name: '7' }],
  ['SESSIONMESH_NAME', '"7"', { name: '7' }],
  ['SESSIONMESH_DATA_DIR', '/var/lib/x', { dataDir: '/var/lib/x' }],
  ['SESSIONMESH_WEIGHT', '7', { weight: 7 }],
  ['SESSIONMESH_MDNS', 'true', { mdns: true }],
  ['SESSIONMESH_DURABILITY', '3', { durability: 3 }],
  ['SESSIONMESH_DURABILITY', 'quorum', { durability: 'quorum' }],
  [
    'SESSIONMESH_BOOTSTRAP',
    '/ip4/10.0.0.1/tcp/1, /ip4/10.0.0.2/tcp/2',
    { bootstrap: ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/2'] },
  ],
  ['SESSIONMESH_LISTEN', '["/ip4/0.0.0.0/tcp/7600"]', { listen: ['/ip4/0.0.0.0/tcp/7600'] }],
  ['SESSIONMESH_MESH_KEY', '1'.repeat(64), { meshKey: '1'.repeat(64) }],
  ['SESSIONMESH_SERVICE_HOST', '10.0.0.9', { name: 'n' }],
])('environment %s=%s', (variable, value, expected) => {
  expect(loadConfig({ env: { SESSIONMESH_NAME: 'n', [variable]: value }, flags: {} })).toMatchObject(expected)
})

test.each([
  ['meshName: x\n# name\nnmae: x\n', /peer\.yaml:3: nmae: Unrecognized key/],
  ['meshName: x\nname: ""\n', /peer\.yaml:2: name: /],
  ['{\n"weight":\n"heavy"}', /peer\.yaml:2: weight: .*expected number/],
  ['http:\n  host: 127.0.0.1\n  port: 99999\n', /peer\.yaml:3: http\.port: /],
  ['durability: most\n', /peer\.yaml:1: durability: expected 'memory'/],
  ['- a\n', /expected settings/],
  ['a: [', /peer\.yaml: /],
])('file %j is refused, with the line', (text, message) => {
  expect(() => load(text)).toThrow(message)
  expect(() => load(text)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }))
})

test.each([
  ['SESSIONMESH_WEIGHT', 'heavy', /SESSIONMESH_WEIGHT: .*expected number/],
  ['SESSIONMESH_LISTEN', 'localhost:1', /SESSIONMESH_LISTEN: expected a multiaddr/],
  ['SESSIONMESH_HTTP_TOKEN', 'short', /SESSIONMESH_HTTP_TOKEN: expected at least 16/],
])('environment %s=%s is refused by its name', (variable, value, message) => {
  expect(() => loadConfig({ env: { [variable]: value }, flags: {} })).toThrow(message)
})

test('a file that is not there is named', () => {
  expect(() => loadConfig({ file: '/nowhere/peer.yaml', env: {}, flags: {} })).toThrow(/\/nowhere\/peer\.yaml/)
})
