// Runs in the process of the tests: the Sluice of this run.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createSluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'

const { SLUICE_SUITE_MODE: mode, SLUICE_SUITE_FOLDER: folder } = process.env
/** Vitest loads this module once for its runner and again for the tests. */
const SHARED = Symbol.for('sluice.suites')

function open() {
  const errors = []
  const logger = { warn() {}, error: (details, text) => errors.push({ text, ...details }) }
  process.on('exit', saveStats)
  return { sluice: mode === 'bare' ? undefined : createSluice({ mode, logger }), errors }
}

globalThis[SHARED] ??= open()
const { errors } = globalThis[SHARED]
/** `undefined` in the run without Sluice. */
export const { sluice } = globalThis[SHARED]

/** Runs one test, or one of its hooks, as a scope. */
export function inScope(fn) {
  return sluice === undefined ? fn() : sluice.run(fn)
}

/** How often `catalogRead` checks. Less often while a client whose database does not exist is in the way. */
const MOST_TRIES = 50
let tries = MOST_TRIES

/**
 * Waits briefly until Sluice knows the tables, as it does in an app that has run for a while. Without this,
 * it would pass through almost every read, because most tests begin with new tables.
 */
export async function catalogRead() {
  if (sluice === undefined || mode === 'observe') return
  const { catalogs } = hostOf(sluice)
  const isRead = () => catalogs.isKnown() && !catalogs.isReading()
  for (let left = tries; left > 0 && !isRead(); left -= 1) {
    // A request for an outdated catalog causes a new read.
    for (const dialect of ['postgresql', 'mysql', 'sqlite']) catalogs.catalog(dialect)
    await pause(2)
  }
  tries = isRead() ? MOST_TRIES : Math.ceil(tries / 2)
}

/** For `main.ts`: how much of the tests Sluice has seen. */
export function saveStats() {
  if (sluice === undefined) return
  const stats = sluice.queries.getStats()
  writeFileSync(join(folder, `stats-${process.pid}.json`), JSON.stringify({ stats, errors }))
}
