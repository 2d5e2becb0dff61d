import { join } from 'node:path'
import type { Dialect } from '@sluice/core'
import type { BuilderOrm } from '../program.ts'

export const root: string = join(import.meta.dirname, '../../..')

/** A replacement at one place in the sources. */
export interface Edit {
  /** Path from the repository's root. */
  readonly file: string
  /** Occurs once in the file. */
  readonly find: string
  readonly replace: string
}

/** One or more tests of a file in the project `unit` or `integration`. */
export interface KillingTest {
  readonly file: string
  /** Part of the names. */
  readonly name: string
}

/** A disabled rule of correctness: the oracle must find a program that shows it, or a test must fail. */
export interface Mutation {
  readonly name: string
  /** The rule that no longer holds. */
  readonly rule: string
  readonly edits: readonly Edit[]
  /**
   * The database on which it shows.
   *
   * @defaultValue 'sqlite'
   */
  readonly dialect?: Dialect
  /** Whether it shows only on databases with triggers, functions and views. */
  readonly hasFeatures?: boolean
  /** Whether it shows only on the models of `prisma/models.prisma`. */
  readonly isFixed?: boolean
  /**
   * The builders in which it shows.
   *
   * @defaultValue Knex
   */
  readonly builders?: readonly BuilderOrm[]
  /**
   * The test that detects it, if no program does: for example because time must pass. Default: the oracle
   * detects it.
   */
  readonly test?: KillingTest
  /** Found within a few programs: part of the tests, not only of the script. */
  readonly isQuick?: boolean
}

/** An edit as the process that runs the changed sources receives it. */
export interface Patch {
  readonly path: string
  readonly find: string
  readonly replace: string
}

export function pathOf({ file }: Edit): string {
  return join(root, file)
}
