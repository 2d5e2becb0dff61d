import type { Dialect } from '@sluice/core'
import type { Random } from '../../support/random.ts'

/** A request of an app's mix, and the kind under which its statements are reported. */
export interface AppRequest {
  readonly kind: string
  readonly method: string
  readonly path: string
  readonly body?: unknown
}

/** An app that other people wrote, installed from npm, with Sluice attached by its configuration. */
export interface RealApp {
  /** The folder next to this file with its package.json, its configuration and `seed.sql`. */
  readonly name: string
  readonly dialect: Dialect
  /** The packages of Sluice that it imports, besides their dependencies. */
  readonly packages: readonly string[]
  /** Commands that prepare the installed app, run in its folder. */
  readonly prepare: readonly (readonly [command: string, ...args: string[]])[]
  /** Starts the server. It reads PORT, DATABASE_URL and APP_MODE. */
  readonly start: readonly [command: string, ...args: string[]]
  /** The request by which a server shows that it is ready. */
  readonly ready: AppRequest
  /** The next request of the mix. The same choices for each mode. */
  request(random: Random, at: number): AppRequest
  /** Replaces values that differ between two runs without Sluice, such as generated ids. */
  normalized(body: string): string
}
