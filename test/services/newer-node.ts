import { spawnSync } from 'node:child_process'

/** A Node of at least this version runs the packages of Prisma 8, and has `node:sqlite`. */
const OLDEST = [22, 18] as const

/**
 * A Node that runs Prisma 8 and `node:sqlite`: the one in `SLUICE_TEST_NEWER_NODE`, or this one.
 *
 * @returns Why there is none, if there is none.
 */
export function newerNode(): { readonly path: string } | { readonly skipped: string } {
  const given = process.env.SLUICE_TEST_NEWER_NODE ?? ''
  if (given === '')
    return isNew(process.versions.node)
      ? { path: process.execPath }
      : { skipped: 'Needs Node 22.18 or later, in SLUICE_TEST_NEWER_NODE.' }
  const { stdout, error } = spawnSync(given, ['--version'], { encoding: 'utf8' })
  if (error !== undefined || !isNew(stdout.replace(/^v/, '')))
    throw new Error(`SLUICE_TEST_NEWER_NODE is no Node 22.18 or later: ${error?.message ?? stdout}`)
  return { path: given }
}

function isNew(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}
