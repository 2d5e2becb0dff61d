/** How processes keep copies in their own memory in bounded mode, one choice a switch. */
export interface BoundedProtocol {
  /** What shows that all earlier messages have come: an answered ping, from when it was sent, or a heartbeat, from when it was heard. */
  readonly trustedSince: 'ping-sent' | 'heartbeat-heard'
  /** When the other processes are told: before COMMIT, or after. */
  readonly publishes: 'begin' | 'end'
  /** What a message does: raises the tag's generation, or sets the stamp that it carries. */
  readonly message: 'raises' | 'sets'
  /** Whether generations are taken before Redis is asked, or only when the answer is kept. */
  readonly watchesFirst: boolean
  readonly beginDestroys: boolean
  readonly flushesOnReconnect: boolean
  /** Whether a process notes the stamps that it read, and accepts an entry by them without asking for the stamps again. */
  readonly notesStamps: boolean
  /** Whether a noted stamp is valid only in the generation in which it was noted. */
  readonly stampedAt: boolean
  /** Whether an entry is accepted by noted stamps only if no message came while it was read. */
  readonly currentAtReply: boolean
}

export interface BoundedFaults {
  /** The share of messages that the subscriber's connection holds up for 0.5 to 4.5 s, and all behind them. */
  readonly stalls: number
  /** The share of writers that die between COMMIT and END. */
  readonly deaths: number
  /** Whether processes stand still for up to 2.8 s now and then. */
  readonly pauses: boolean
  /** Whether subscribers lose their connection now and then. */
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

/** Protocols that look right and are not. */
export const MISTAKES = {
  'a heartbeat counts from when it is heard': { ...CORRECTED, trustedSince: 'heartbeat-heard' },
  'generations are taken after the stamps': { ...CORRECTED, watchesFirst: false },
  'others are told after COMMIT only': { ...CORRECTED, publishes: 'end' },
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
