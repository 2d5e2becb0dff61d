/** How processes cache copies in memory in bounded mode, with one switch per design choice. */
export interface BoundedProtocol {
  /**
   * The evidence that all earlier messages have arrived: an answered ping, as of when it was sent, or a
   * heartbeat, as of when it was received.
   */
  readonly trustedSince: 'ping-sent' | 'heartbeat-heard'
  /** When the other processes are notified: before COMMIT, or after. */
  readonly publishes: 'begin' | 'end'
  /** The effect of a message: raises the tag's generation, or sets the stamp that it carries. */
  readonly message: 'raises' | 'sets'
  /** Whether generations are read before Redis is queried, or only when the result is cached. */
  readonly watchesFirst: boolean
  readonly beginDestroys: boolean
  readonly flushesOnReconnect: boolean
  /**
   * Whether a process notes the stamps that it read, and accepts an entry by them without reading the stamps
   * again.
   */
  readonly notesStamps: boolean
  /** Whether a noted stamp is valid only in the generation in which it was noted. */
  readonly stampedAt: boolean
  /** Whether an entry is accepted by noted stamps only if no message came while it was read. */
  readonly currentAtReply: boolean
}

export interface BoundedFaults {
  /**
   * The share of messages that the subscriber's connection delays for 0.5 to 4.5 s, with all later messages.
   */
  readonly stalls: number
  /** The share of writers that die between COMMIT and END. */
  readonly deaths: number
  /** Whether processes are suspended periodically for up to 2.8 s. */
  readonly pauses: boolean
  /** Whether subscribers lose their connection periodically. */
  readonly cuts: boolean
}

export const CORRECTED: BoundedProtocol = {
  trustedSince: 'ping-sent',
  publishes: 'begin',
  message: 'raises',
  watchesFirst: true,
  beginDestroys: true,
  flushesOnReconnect: true,
  notesStamps: true,
  stampedAt: true,
  currentAtReply: true,
}
export const ALL_FAULTS: BoundedFaults = { stalls: 0.002, deaths: 0.03, pauses: true, cuts: true }
export const NO_FAULTS: BoundedFaults = { stalls: 0, deaths: 0, pauses: false, cuts: false }

/** Protocols that appear correct but are not. */
export const MISTAKES = {
  'a heartbeat counts from when it is received': { ...CORRECTED, trustedSince: 'heartbeat-heard' },
  'generations are taken after the stamps': { ...CORRECTED, watchesFirst: false },
  'others are notified only after COMMIT': { ...CORRECTED, publishes: 'end' },
  'copies outlive a lost connection': { ...CORRECTED, flushesOnReconnect: false },
  'noted stamps outlive a message': { ...CORRECTED, stampedAt: false },
  'END sets and publishes stamps': {
    trustedSince: 'heartbeat-heard',
    publishes: 'end',
    message: 'sets',
    watchesFirst: false,
    beginDestroys: false,
    flushesOnReconnect: false,
    notesStamps: false,
    stampedAt: true,
    currentAtReply: true,
  },
} as const satisfies Record<string, BoundedProtocol>
