import { main } from './main.ts'

const output = {
  out: (text: string): void => void process.stdout.write(text),
  err: (text: string): void => void process.stderr.write(text),
}

process.exitCode = await main(process.argv.slice(2), output)
