/**
 * Sluice for Prisma 8. A preview: Prisma 8 is a release candidate.
 *
 * @packageDocumentation
 */
export { type ClientSetup, withSluice } from './with-sluice.ts'
