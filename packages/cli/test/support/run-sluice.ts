import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { main } from '../../src/main.ts'

export interface Result {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs the command line in this process. */
export async function sluice(...args: string[]): Promise<Result> {
  let out = ''
  let err = ''
  const code = await main(args, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
  return { code, out, err: withoutProgress(err) }
}

/** Removes the lines of progress, which depend on the duration. */
function withoutProgress(err: string): string {
  return err.replaceAll(/^.*(?: …| {2}\d+%)\n/gm, '')
}

/** Runs the command line in this process, in a folder. */
export async function sluiceIn(folder: string, ...args: string[]): Promise<Result> {
  const before = process.cwd()
  process.chdir(folder)
  try {
    return await sluice(...args)
  } finally {
    process.chdir(before)
  }
}

/** Runs the command line from the sources in a separate process. */
export function run(args: readonly string[], { stdin }: { readonly stdin?: string } = {}): Promise<Result> {
  const bin = join(import.meta.dirname, '../../src/bin.ts')
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--import', tsx, '--conditions=@sluice/source', bin, ...args],
      (error, out, err) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err: withoutProgress(err) }),
    )
    child.stdin?.end(stdin ?? '')
  })
}
