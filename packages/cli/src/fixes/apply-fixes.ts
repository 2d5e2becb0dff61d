import { createInterface } from 'node:readline/promises'
import {
  type ApplyEvent,
  applyChanges,
  type DatabaseSnapshot,
  type SchemaChange,
  schemaChangeSql,
} from '@sluice/core/database'
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
 * Applies changes to the database after a confirmation.
 *
 * @returns The exit code: 1 if a change failed, 130 if the user declined.
 * @throws UsageError if a confirmation is needed and there is no terminal; SluiceError if another process
 *   applies
 * changes.
 */
export async function applyFixes(
  changes: readonly SchemaChange[],
  options: ApplyFixesOptions,
): Promise<number> {
  const { connection, snapshot, output, isConfirmed, url } = options
  if (changes.length === 0) return EXIT.ok
  if (!isConfirmed && !process.stdin.isTTY)
    throw new UsageError('--apply requires a terminal for the confirmation, or --yes')
  for (const change of changes)
    for (const { sql } of schemaChangeSql(change, snapshot).steps) output.err(`${sql};\n`)
  if (!isConfirmed && !(await agrees(`Apply these changes to ${connection.address}? [y/N] `)))
    return EXIT.interrupted
  // The analysis opened the SQLite file as read-only.
  const writable = snapshot.dialect === 'sqlite' ? await openSqlite(sqlitePath(url), true) : connection
  try {
    const { failed, remaining } = await applyChanges(writable, changes, snapshot, {
      onEvent: (event) => tell(event, output),
    })
    if (failed === undefined) return EXIT.ok
    if (failed.isLockTimeout)
      output.err('timeout while waiting for a lock: try again when the database is less busy\n')
    for (const { name } of remaining) output.err(`not applied: ${name}\n`)
    return EXIT.failed
  } finally {
    if (writable !== connection) await writable.close()
  }
}

function tell(event: ApplyEvent, output: Output): void {
  if (event.kind === 'locked' || event.kind === 'running') return
  const { name } = event.kind === 'cleaned' ? event : event.change
  if (event.kind === 'done') output.err(`done: ${name}\n`)
  else if (event.kind === 'cleaned') output.err(`dropped the invalid index of an unfinished build: ${name}\n`)
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
