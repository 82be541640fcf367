// The simulator's report in a real browser: it opens without an error, answers the pointer, and finds the violation.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { drawPlan, Recorder, renderReport, simulate } from '../../sim/index.ts'

/** From Debian's package `chromium`; .ci/run installs it. */
const EXECUTABLE = '/usr/bin/chromium'
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync']

const folder = mkdtempSync(join(tmpdir(), 'report-'))
let browser: Browser
let url = ''

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-gpu', ...QUIET] })
  // Nothing converges in no time at all: a run that is violated for sure, at its end.
  const plan = { ...drawPlan(6), settleMs: 0 }
  const recorder = new Recorder()
  const result = await simulate(plan, recorder.options)
  expect(result.verdict).toBe('violated')
  const file = join(folder, 'report.html')
  writeFileSync(file, renderReport(recorder.record(result, 'npm run sim -- run --seed 6')))
  url = pathToFileURL(file).href
})

afterAll(async () => {
  await browser.close()
  rmSync(folder, { recursive: true })
})

/** The page, drawn, and what it complained of or asked the network for. */
async function opened({
  colorScheme = 'light',
  width = 1_300,
}: { colorScheme?: 'light' | 'dark'; width?: number } = {}): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({ viewport: { width, height: 1_000 }, colorScheme })
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => {
    if (!/^(file|data|blob):/.test(request.url())) complaints.push(`asked for ${request.url()}`)
  })
  await page.goto(url)
  await page.locator('html[data-ready=true]').waitFor()
  return { page, complaints }
}

test('it opens without a complaint, and says what the run was', async () => {
  const { page, complaints } = await opened()
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('swarm-6')
  expect(await page.locator('.verdict').textContent()).toContain('violated')
  expect(await page.locator('.replay code').textContent()).toBe('npm run sim -- run --seed 6')
  expect(await page.locator('.track canvas').count()).toBe(8)
  expect(complaints).toEqual([])
  await page.close()
})

test('the pointer is told what it is on', async () => {
  const { page, complaints } = await opened()
  const lanes = page.locator('.track').nth(1)
  await lanes.scrollIntoViewIfNeeded()
  const box = await lanes.boundingBox()
  if (box === null) throw new Error('the lanes are not there')
  await page.mouse.move(box.x + 400, box.y + 14)
  const tooltip = page.getByRole('tooltip')
  await tooltip.waitFor()
  expect(await tooltip.textContent()).toMatch(/^a, (up|down|frozen)|→|a: /)
  expect(complaints).toEqual([])
  await page.close()
})

test('the violation is one click away, and its flag is drawn there', async () => {
  const { page, complaints } = await opened()
  await page.getByRole('button', { name: 'Jump to it' }).first().click()
  await page.locator('.chart:focus').waitFor()
  expect(complaints).toEqual([])
  await expect.poll(() => redPixels(page)).toBeGreaterThan(0)
  // From there the previous events are reached by keyboard, and read out; the flag is out of sight then.
  await page.keyboard.press('+')
  await page.keyboard.press('+')
  await page.keyboard.press('p')
  await expect.poll(() => page.getByRole('status').textContent()).toMatch(/ s: /)
  await expect.poll(() => redPixels(page)).toBe(0)
  await page.close()
})

/** Pixels of the flag's colour in the track of faults. */
async function redPixels(page: Page): Promise<number> {
  const script = `(() => {
    const canvas = document.querySelector('.track canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    let count = 0
    for (let i = 0; i < data.length; i += 4) if (data[i] === 0xb3 && data[i + 1] === 0 && data[i + 2] === 0x1b) count++
    return count
  })()`
  return Number(await page.evaluate(script))
}

test('zooming in turns density into lines, and back', async () => {
  const { page } = await opened({ width: 700 })
  const legend = page.locator('.legend')
  await expect.poll(() => legend.textContent()).toContain('as density')
  await page.locator('.chart').focus()
  for (let i = 0; i < 8; i++) await page.keyboard.press('+')
  await expect.poll(() => legend.textContent()).not.toContain('as density')
  await page.keyboard.press('0')
  await expect.poll(() => legend.textContent()).toContain('as density')
  await page.close()
})

test('it is dark where that is preferred, and as the reader says', async () => {
  const { page, complaints } = await opened({ colorScheme: 'dark' })
  const background = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
  expect(await background()).toBe('rgb(16, 20, 24)')
  await page.getByRole('button', { name: 'system' }).click()
  expect(await background()).toBe('rgb(255, 255, 255)')
  expect(complaints).toEqual([])
  await page.close()
})
