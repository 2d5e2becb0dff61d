import { createInterface } from 'node:readline/promises'
import { type ApplyEvent, applyChanges, type DatabaseSnapshot, type SchemaChange, schemaChangeSql } from '@sluice/core/database'
import { errorMessage } from '@sluice/core/siblings'
import { EXIT, type Output, UsageError } from '../command.ts'
import { openSqlite, sqlitePath } from '../connect/open-sqlite.ts'
import type { OpenConnection } from '../connect/own-connection.ts'

export interface ApplyFixesOptions {
  readonly connection: OpenConnection
  readonly url: string
  readonly snapshot: DatabaseSnapshot
  readonly isConfirmed: boolean
  readonly output: Output
}

/**
 * Makes changes in the database, once somebody agreed.
 *
 * @returns The exit code: 1 when one failed, 130 when the answer is no.
 * @throws UsageError where there is nobody to ask; SluiceError where somebody else is at it.
 */
export async function applyFixes(changes: readonly SchemaChange[], options: ApplyFixesOptions): Promise<number> {
  const { connection, snapshot, output, isConfirmed, url } = options
  if (changes.length === 0) return EXIT.ok
  if (!isConfirmed && !process.stdin.isTTY) throw new UsageError('--apply needs a terminal to ask on, or --yes')
  for (const change of changes) for (const { sql } of schemaChangeSql(change, snapshot).steps) output.err(`${sql};\n`)
  if (!isConfirmed && !(await agrees(`Run this in ${connection.address}? [y/N] `))) return EXIT.interrupted
  // What was read was read from a file that cannot be written to.
  const writable = snapshot.dialect === 'sqlite' ? await openSqlite(sqlitePath(url), true) : connection
  try {
    const { failed, remaining } = await applyChanges(writable, changes, snapshot, { onEvent: (event) => tell(event, output) })
    if (failed === undefined) return EXIT.ok
    if (failed.isLockTimeout) output.err('gave up waiting for a lock: try again when there is less going on\n')
    for (const { name } of remaining) output.err(`not tried: ${name}\n`)
    return EXIT.failed
  } finally {
    if (writable !== connection) await writable.close()
  }
}

function tell(event: ApplyEvent, output: Output): void {
  if (event.kind === 'locked' || event.kind === 'running') return
  const { name } = event.kind === 'cleaned' ? event : event.change
  if (event.kind === 'done') output.err(`done: ${name}\n`)
  else if (event.kind === 'cleaned') output.err(`dropped what an unfinished build had left: ${name}\n`)
  else if (event.kind === 'skipped') output.err(`skipped ${name}: ${event.why}\n`)
  else output.err(`failed: ${name}: ${errorMessage(event.error)}\n`)
}

async function agrees(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim())
  } finally {
    terminal.close()
  }
}
