// npm run test:net: runs the tests of this folder in a network, a process table and a mount table of their own, so that they
// may cut what they like and nothing of theirs outlives them, however they end. Needs root, iproute2 and iptables.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OWN_NETWORK } from '../support/net/network.ts'

const root = join(import.meta.dirname, '../..')
const PACKAGES = { ip: 'iproute2', iptables: 'iptables', 'iptables-restore': 'iptables', unshare: 'util-linux' }

const missing = Object.entries(PACKAGES).filter(([command]) => spawnSync(command, ['--version']).error !== undefined)
const problems = [
  ...(process.getuid?.() === 0 ? [] : ['they make network namespaces, which only root may']),
  ...missing.map(([command]) => `there is no ${command}`),
]
if (problems.length > 0) {
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ')
  const advice = packages === '' ? '' : ` (apt-get install -y ${packages})`
  process.stderr.write(`test:net: the tests on real networks can't run: ${problems.join('; ')}${advice}\n`)
  process.exit(1)
}

// Names of network namespaces are files in /run/netns: those made here are seen by nobody else.
const prepare = 'mkdir -p /run/netns && mount -t tmpfs netns /run/netns && exec "$@"'
const vitest = [process.execPath, join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'net']
const own = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
const words = [...own, '--', 'sh', '-c', prepare, 'sh', ...vitest, ...process.argv.slice(2)]
// Data directories are on a real disk, but in one place, for the case that the tests can't remove them themselves.
const scratch = mkdtempSync(join(tmpdir(), 'sessionmesh-net-'))
const env = { ...process.env, [OWN_NETWORK]: '1', TMPDIR: scratch }
const child = spawn('unshare', words, { cwd: root, stdio: 'inherit', env })
// Ctrl-C reaches the child by itself; it ends in its own time.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill())
const [code] = (await once(child, 'exit')) as [number | null]
rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
process.exit(code ?? 1)
