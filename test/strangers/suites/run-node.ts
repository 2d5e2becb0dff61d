import { spawnSync } from 'node:child_process'

/** @throws Error with the output if the program fails. */
export function runNode(args: readonly string[], cwd: string): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`node ${args.join(' ')} failed in ${cwd}:\n${stdout}${stderr}`)
}
