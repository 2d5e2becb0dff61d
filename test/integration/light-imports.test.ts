import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)

/** The CommonJS packages that a process has loaded after it ran a program. */
async function packagesAfter(program: string): Promise<readonly string[]> {
  const report = `
    import { createRequire } from 'node:module'
    const names = Object.keys(createRequire(import.meta.url).cache).map((path) => path.split('node_modules/').at(-1).split('/')[0])
    console.log(JSON.stringify(names))`
  const args = [
    '--import',
    'tsx',
    '--conditions=@sluice/source',
    '--input-type=module',
    '-e',
    `${program};${report}`,
  ]
  const { stdout } = await run(process.execPath, args, { cwd: join(import.meta.dirname, '..') })
  return JSON.parse(stdout) as string[]
}

describe.each(['@sluice/express', '@sluice/fastify', '@sluice/http'])('importing %s', (name) => {
  it('loads the HTTP client with its proxy, and not before', async () => {
    const [main, proxy] = await Promise.all([
      packagesAfter(`await import('${name}')`),
      packagesAfter(`await import('${name}/proxy')`),
    ])
    expect(proxy).toContain('undici')
    expect(main).not.toContain('undici')
  })
})

it('createRateLimit() loads the rate limiter, and importing it does not', async () => {
  const imported = `const { createRateLimit } = await import('@sluice/http')`
  const used = `${imported}; await createRateLimit({ requests: 1 }).admit({ socket: { remoteAddress: '127.0.0.1' } }, { setHeader() {} })`
  const [before, after] = await Promise.all([packagesAfter(imported), packagesAfter(used)])
  expect(after).toContain('rate-limiter-flexible')
  expect(before).not.toContain('rate-limiter-flexible')
})
