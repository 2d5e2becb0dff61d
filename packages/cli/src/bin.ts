import { EXIT } from './exit-code.ts'
import { main } from './main.ts'
import { removeTemporaryFolders } from './scratch/temporary-folder.ts'

const output = {
  out: (text: string): void => void process.stdout.write(text),
  err: (text: string): void => void process.stderr.write(text),
  isTerminal: process.stdout.isTTY === true,
  ...(process.stdout.isTTY === true ? { columns: process.stdout.columns } : {}),
}

process.once('exit', removeTemporaryFolders)
for (const [signal, code] of [['SIGINT', EXIT.interrupted] as const, ['SIGTERM', EXIT.terminated] as const])
  process.once(signal, () => {
    // Of a line that is written over, nothing is to stay.
    if (process.stderr.isTTY === true) process.stderr.write('\r\u001b[2K')
    process.exit(code)
  })
// Such as `| head`, which has read enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(EXIT.ok)
})

process.exitCode = await main(process.argv.slice(2), output)
