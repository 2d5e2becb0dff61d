import { createServer } from 'node:net'

/**
 * Below the ports that systems use for outgoing connections (32768 and up), so that none takes the port
 * before its server does.
 */
const FIRST = 20_000
const COUNT = 10_000
const given = new Set<number>()

/** A port of 127.0.0.1 on which nothing listens. Each call in a process returns a different port. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = FIRST + Math.floor(Math.random() * COUNT)
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) return port
  }
  throw new Error(`No free port found between ${FIRST} and ${FIRST + COUNT - 1}.`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
