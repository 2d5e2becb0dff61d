import { EXIT, type Output } from './command.ts'
import { main } from './main.ts'
import { removeTemporaryFolders } from './scratch/temporary-folder.ts'
import { processTerminal } from './top/terminal.ts'

const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated, SIGHUP: EXIT.hungUp } as const
let onSignal = (signal: NodeJS.Signals): void => {
  // Clear the progress line.
  if (process.stderr.isTTY === true) process.stderr.write('\r\u001b[2K')
  process.exit(SIGNALS[signal as keyof typeof SIGNALS])
}

const isTerminal = process.stdout.isTTY === true
const hasScreen = isTerminal && process.stdin.isTTY === true && process.env.TERM !== 'dumb'
const output: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isTerminal,
  isErrTerminal: process.stderr.isTTY === true,
  ...(isTerminal ? { columns: process.stdout.columns } : {}),
  ...(hasScreen ? { screen: () => processTerminal() } : {}),
  onSignal: (handle) => {
    onSignal = handle
  },
}

process.once('exit', removeTemporaryFolders)
for (const signal of Object.keys(SIGNALS)) process.on(signal, () => onSignal(signal as NodeJS.Signals))
// The reader of a pipe, such as `head`, can close it early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(EXIT.ok)
})

process.exitCode = await main(process.argv.slice(2), output)
