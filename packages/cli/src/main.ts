import { InvalidOptionError } from '@sluice/core'
import type { Command, Output } from './command.ts'
import { analyze } from './commands/analyze.ts'
import { triggers } from './commands/triggers.ts'
import { EXIT } from './exit-code.ts'
import { isParseError, UsageError } from './usage-error.ts'

const commands: Readonly<Record<string, Command>> = { analyze, triggers }

const help = `sluice <command> [options]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  .join('\n')}

sluice <command> --help says how one is called.
`

/**
 * Runs the command line.
 *
 * @returns The exit code: 0, or 2 for wrong arguments.
 */
export async function main(args: readonly string[], output: Output): Promise<number> {
  const [name, ...rest] = args
  if (name === '--help' || name === '-h' || name === 'help') {
    output.out(help)
    return EXIT.ok
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    output.err(name === undefined ? help : `sluice: expected ${Object.keys(commands).join(', ')} or --help, got "${name}"\n`)
    return EXIT.usage
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    output.out(command.help)
    return EXIT.ok
  }
  try {
    return await command.run(rest, output)
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof InvalidOptionError || isParseError(error))) throw error
    output.err(`sluice ${name}: ${error.message}\nSee sluice ${name} --help\n`)
    return EXIT.usage
  }
}
