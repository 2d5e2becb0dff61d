import { InvalidOptionError, SluiceError } from '@sluice/core'
import { errorForLog, plainLine, redact } from '@sluice/core/siblings'
import { type Command, EXIT, isParseError, type Output, UsageError } from './command.ts'
import { analyze } from './commands/analyze.ts'
import { bench } from './commands/bench.ts'
import { doctor } from './commands/doctor.ts'
import { explain } from './commands/explain.ts'
import { ignore } from './commands/ignore.ts'
import { top } from './commands/top.ts'
import { triggers } from './commands/triggers.ts'
import { ConnectError, isDisconnect } from './connect/own-connection.ts'

const commands: Readonly<Record<string, Command>> = { analyze, explain, top, bench, ignore, doctor, triggers }

const help = `sluice <command> [options]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  .join('\n')}

Run sluice <command> --help to list its options.
`

/**
 * Runs the command line.
 *
 * @returns An exit code of `EXIT`.
 */
export async function main(args: readonly string[], output: Output): Promise<number> {
  const [name, ...rest] = args
  if (name === '--help' || name === '-h' || name === 'help') {
    output.out(help)
    return EXIT.ok
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    output.err(
      name === undefined
        ? help
        : `sluice: unknown command "${plainLine(redact(name))}". Expected ${Object.keys(commands).join(', ')} or --help\n`,
    )
    return EXIT.usage
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    output.out(command.help)
    return EXIT.ok
  }
  try {
    return await command.run(rest, output)
  } catch (error) {
    const code = exitCodeOf(error)
    // Node prints the fields of an error. Those of a Redis client contain the password.
    if (code === undefined) throw errorForLog(error)
    const hint = code === EXIT.usage ? `See sluice ${name} --help\n` : ''
    const message = redact((error as Error).message)
      .split('\n')
      .map(plainLine)
      .join('\n')
    output.err(`sluice ${name}: ${message}\n${hint}`)
    return code
  }
}

/** Exit code of an error that is reported without a stack trace. */
function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof UsageError || error instanceof InvalidOptionError || isParseError(error)) return EXIT.usage
  if (error instanceof ConnectError || isDisconnect(error)) return EXIT.unreachable
  return error instanceof SluiceError ? EXIT.failed : undefined
}
