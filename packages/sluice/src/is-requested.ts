import { configFile } from './config/config-file.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Package managers and compilers, which `NODE_OPTIONS` reaches before the app. */
const TOOL =
  /[\\/](?:npm-cli|npx-cli|npm|npx|pnpm|pnpx|yarn|corepack|tsc|eslint|biome|prettier)(?:\.[cm]?js)?$/

/**
 * Whether Sluice attaches to this process. In production, only if a mode was chosen, there is a
 * config file, or by `sluice run`.
 *
 * @param script - The file that the process runs.
 */
export function isRequested(env: Environment, script: string | undefined): boolean {
  if (env.SLUICE === 'off' || (script !== undefined && TOOL.test(script))) return false
  return (
    env.NODE_ENV !== 'production' ||
    env.SLUICE_MODE !== undefined ||
    env.SLUICE_RUN !== undefined ||
    configFile(env) !== undefined
  )
}
