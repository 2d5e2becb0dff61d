import type { SluiceOptions } from '@sluice/core'

/** How `sluice/register` attaches to an app. */
export interface RegisterOptions {
  /**
   * The clients that Sluice attaches to, such as `knex`, `pg` or `typeorm`. The environment variable
   * `SLUICE_CLIENTS` takes precedence.
   * @defaultValue all
   */
  readonly clients?: ClientChoice
  /**
   * Requests without a scope, by method and path: `GET /healthz`.
   * @defaultValue none
   */
  readonly ignore?: readonly string[]
  /**
   * Whether each job of a queue or a schedule has a scope.
   * @defaultValue true
   */
  readonly jobs?: boolean
}

/** Names of clients, in lower case. */
export interface ClientChoice {
  /**
   * Sluice attaches to no others.
   * @defaultValue all
   */
  readonly include?: readonly string[]
  /** @defaultValue none */
  readonly exclude?: readonly string[]
}

/**
 * The options of the Sluice that `sluice/register` creates, as those of `createSluice`. The cache is off
 * unless there is an option `cache`. The environment variables `SLUICE_MODE` and `SLUICE_CACHE` take
 * precedence.
 */
export interface SluiceConfig extends SluiceOptions {
  readonly register?: RegisterOptions
}

/**
 * Returns its argument, so that an editor completes the options of a file `sluice.config.ts`.
 *
 * @example
 * ```ts
 * import { defineConfig } from 'sluice'
 *
 * export default defineConfig({ mode: 'optimize', register: { ignore: ['GET /healthz'] } })
 * ```
 */
export function defineConfig(config: SluiceConfig): SluiceConfig {
  return config
}
