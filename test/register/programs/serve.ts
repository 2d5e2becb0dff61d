import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Served {
  /** Number of requests, one after the other. */
  readonly requests: number
  /** Returns the number of statements that were sent. */
  statements(): number
}

/** Serves requests, and prints each response and the number of its statements. */
export async function serve(answer: () => Promise<unknown>, { requests, statements }: Served): Promise<void> {
  const server = createServer(async (_, response) => void response.end(JSON.stringify(await answer())))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  for (let request = 0; request < requests; request += 1) {
    const before = statements()
    const response = await fetch(`http://127.0.0.1:${port}/authors`)
    console.log(await response.text())
    console.error(`statements ${statements() - before}`)
    // The catalog is read after the first request.
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  server.close()
  server.closeAllConnections()
}
