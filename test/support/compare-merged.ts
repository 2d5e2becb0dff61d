import { expect } from 'vitest'
import type { TestPrismaClient } from './prisma-clients.ts'
import type { Stack } from './stack.ts'

/** Statements that only frame others. */
const FRAME = /^(begin|commit|rollback|start transaction|set )/i

/**
 * Runs a program on the plain client and, in one scope, on the client with Sluice. The results must be equal,
 * field by field and in the same order of fields.
 *
 * @returns The statements that Sluice sent.
 */
export async function sameAsBare(
  stack: Stack,
  program: (prisma: TestPrismaClient) => Promise<unknown>,
): Promise<string[]> {
  const expected = await program(stack.bare)
  stack.taken()
  const found = await stack.sluice.run(() => program(stack.prisma))
  expect(found).toStrictEqual(expected)
  expect(toText(found)).toBe(toText(expected))
  return stack.taken().filter((sql) => !FRAME.test(sql))
}

function toText(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner))
}
