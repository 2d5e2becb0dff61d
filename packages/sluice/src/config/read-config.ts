import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, extname } from 'node:path'
import { InvalidOptionError } from '@sluice/core'
import { errorMessage } from '@sluice/core/siblings'
import { configFile } from './config-file.ts'
import type { SluiceConfig } from './define-config.ts'

/**
 * Reads the config file of the app; `{}` without one. A TypeScript file needs a loader or a Node that loads
 * it: without them, there is a process warning, and the defaults apply.
 *
 * @throws InvalidOptionError if it cannot be read, or exports no object.
 */
export function readConfig(env: NodeJS.ProcessEnv): SluiceConfig {
  const file = configFile(env)
  if (file === undefined) return {}
  const name = basename(file)
  const require = createRequire(file)
  if (/ts$/.test(extname(file)) && !loadsTypeScript(require)) {
    process.emitWarning(
      `This Node.js does not load ${name}, so the defaults apply. Use Node.js 22.18 or later, a loader such as tsx, or sluice.config.js.`,
      { type: 'SluiceWarning', code: 'SLUICE_REGISTER' },
    )
    return {}
  }
  const config = defaultOf(load(file, require))
  if (typeof config === 'object' && config !== null) return config
  throw new InvalidOptionError(name, 'a file that exports an object', config)
}

function load(file: string, require: NodeJS.Require): unknown {
  try {
    return extname(file) === '.json' ? JSON.parse(readFileSync(file, 'utf8')) : require(file)
  } catch (error) {
    const expected = 'a file that can be loaded'
    const message = `Expected ${expected}, and ${basename(file)} throws: ${errorMessage(error)}`
    throw new InvalidOptionError('SLUICE_CONFIG', expected, undefined, message)
  }
}

function defaultOf(loaded: unknown): unknown {
  return (loaded as { readonly default?: unknown } | null)?.default ?? loaded
}

function loadsTypeScript(require: NodeJS.Require): boolean {
  const { typescript } = process.features as { readonly typescript?: unknown }
  return Boolean(typescript) || '.ts' in require.extensions
}
