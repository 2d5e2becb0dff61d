import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AppSources } from '../source/app-sources.ts'
import { type Check, warn } from './check.ts'

/** Checks that the app reads the file of `sluice ignore`, if it has one. */
export function checkIgnoreFile(sources: AppSources, cwd: string): Check[] {
  if (!existsSync(join(cwd, 'sluice/ignore.json')) || sources.naming('@sluice/').length === 0) return []
  // Code that names the file can read it without Sluice's function.
  if (sources.naming('readIgnoreFile', 'ignore.json').length > 0) return []
  return [
    warn(
      'no source file reads sluice/ignore.json: Sluice still reports its findings',
      'createSluice({ detection: { ignore: readIgnoreFile() } }), with readIgnoreFile of @sluice/core',
    ),
  ]
}
