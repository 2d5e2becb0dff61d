import type { Dialect } from '@sluice/core'
import type { Random } from '../../support/random.ts'

/** A request of an app's mix, and the kind under which its statements are reported. */
export interface AppRequest {
  readonly kind: string
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Saves values of the response by name. Later requests to its server use them as `{name}` in path, headers
   * and body.
   */
  readonly saves?: Readonly<Record<string, (body: string) => string>>
}

/** An app that other people wrote, installed from npm, with Sluice attached by its configuration. */
export interface RealApp {
  /** The folder next to this file with its package.json and its configuration. */
  readonly name: string
  /** The package whose files are the app, with its version. Default: the folder is the app. */
  readonly tarball?: string
  readonly dialect: Dialect
  /** The packages of Sluice that it imports, besides their dependencies. */
  readonly packages: readonly string[]
  /** The default modes. Default: `bare`, `observe`, `trace`, `optimize`, `register-optimize`. */
  readonly modes?: readonly string[]
  /** Commands that prepare the installed app, run in its folder. */
  readonly prepare: readonly (readonly [command: string, ...args: string[]])[]
  /**
   * A script of Node that fills the empty database in DATABASE_URL, which is copied for each mode. Default:
   * the statements of `seed.sql`.
   */
  readonly seed?: readonly [script: string, ...args: string[]]
  /** Starts the server. It reads PORT, DATABASE_URL and APP_MODE. */
  readonly start: readonly [command: string, ...args: string[]]
  /** Variables that the server reads instead of PORT and DATABASE_URL. */
  environment?(port: number, url: string): Readonly<Record<string, string>>
  /** The request by which a server shows that it is ready, such as a login. */
  readonly ready: AppRequest
  /** The next request of the mix. The same choices for each mode. */
  request(random: Random, at: number): AppRequest
  /** Replaces values that differ between two runs without Sluice, such as generated ids. */
  normalized(body: string): string
}
