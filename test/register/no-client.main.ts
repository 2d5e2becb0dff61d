// An app on a server that needs no database, until Sluice has reported it.
import { createServer } from 'node:http'

const server = createServer().listen(0, '127.0.0.1', () => {
  const { write } = process.stderr
  process.stderr.write = function (this: NodeJS.WriteStream, ...args: Parameters<typeof write>) {
    if (String(args[0]).startsWith('sluice')) server.close()
    return Reflect.apply(write, this, args)
  } as typeof write
})
setTimeout(() => server.close(), 15_000).unref()
