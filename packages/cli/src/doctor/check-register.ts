import { installCommand } from '../project/install-command.ts'
import { REGISTER_CLIENTS, registerClientNames } from '../run/register-clients.ts'
import { type Check, ok, warn } from './check.ts'
import { installedPackage, isInRange } from './installed-package.ts'

/**
 * Checks the clients that `sluice/register` would find, if the package `sluice` is installed.
 *
 * @param env - The environment in which the app is started.
 */
export async function checkRegister(cwd: string, env: NodeJS.ProcessEnv): Promise<Check[]> {
  if ((await installedPackage('sluice', cwd)) === undefined) return []
  if (env.SLUICE === 'off')
    return [
      warn('register: SLUICE is off, so Sluice attaches to nothing', 'Remove SLUICE from the environment'),
    ]
  const checks: Check[] = []
  const found: string[] = []
  for (const [name, { range, isSeenInDriver = false }] of Object.entries(REGISTER_CLIENTS)) {
    const client = await installedPackage(name, cwd)
    if (client === undefined) continue
    const text = `${name} ${client.version}`
    if (isInRange(client.version, range)) found.push(isSeenInDriver ? `${text} (in its driver)` : text)
    else
      checks.push(
        warn(
          `register: not tested with ${text}`,
          `Tested: ${range}. ${installCommand(`${name}@"${range}"`, { cwd })}`,
        ),
      )
  }
  if (found.length > 0) return [ok(`register attaches to ${found.join(', ')}`), ...checks]
  if (checks.length > 0) return checks
  const fix = `It looks for ${registerClientNames}. Use the adapter of your client, or withSluice.`
  return [warn('register: no client in node_modules', fix)]
}
