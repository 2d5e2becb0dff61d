import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

/**
 * Runs the `sluice` command.
 *
 * @returns Its output.
 * @throws Error with its output, if the exit code is not 0.
 */
export function runSluice(args: readonly string[]): Promise<string> {
  const bin = join(dirname(createRequire(import.meta.url).resolve('sluice/package.json')), 'bin/sluice.js')
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [bin, ...args], { maxBuffer: MAX_OUTPUT_BYTES }, (error, out, err) => {
      if (error === null) resolve(out)
      else reject(new Error(`sluice ${args[0]}: ${err.trim() || error.message}`, { cause: error }))
    })
  })
}
