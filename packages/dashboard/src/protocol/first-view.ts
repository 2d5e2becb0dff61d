import type { Snapshot } from './stream.ts'

/** What the page's document carries for who may read: shown before a stream is open, which goes on from it. */
export interface FirstView {
  /** Of the event that the stream goes on from: `Last-Event-ID`. */
  readonly id: string
  readonly snapshot: Snapshot
}

/** The `id` of the element in the document that holds it, as JSON. */
export const firstViewId = 'first-view'
