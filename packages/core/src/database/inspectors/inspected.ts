import type { DatabaseSnapshot } from './database-snapshot.ts'

/** A snapshot, but for when it was taken. */
export type Inspected = Omit<DatabaseSnapshot, 'dialect' | 'takenAt'>
