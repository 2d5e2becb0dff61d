/** The codes of process warnings of the type `SluiceWarning` that these packages emit. */
export type SluiceWarningCode =
  /** A client has an unsupported version, provider or dialect. */
  | 'SLUICE_UNSUPPORTED_CLIENT'
  /** Reads do not go to a replica, or to none of them. */
  | 'SLUICE_REPLICAS_UNUSED'
  /** A client was instrumented for two Sluices. */
  | 'SLUICE_INSTRUMENTED_TWICE'
  /** `sluice/register` could not attach to a client, or to a server. */
  | 'SLUICE_REGISTER'
  /** The transaction isolation of a database is READ UNCOMMITTED. */
  | 'SLUICE_READS_UNCOMMITTED'
  /** The database can execute a write after other processes have stopped waiting for it. */
  | 'SLUICE_LATE_WRITES'
  /** `cache.exclude` contains an unknown name. */
  | 'SLUICE_RESULTS_NOT_SHARED'
  /** A batched result was different from that of its own query. */
  | 'SLUICE_BATCH_DIFFERED'
  /** A client of this process is unseen, so that reads of its dialect are sent unchanged. */
  | 'SLUICE_UNSEEN_CLIENT'
  /** A listener of an event threw. */
  | 'SLUICE_LISTENER_ERROR'
  /** Several major versions are loaded. */
  | 'SLUICE_VERSION_CONFLICT'
  /** A trace of the workload is recorded, or complete. */
  | 'SLUICE_TRACE'
  /** Findings were detected too late for `detection.mode: 'throw'`. */
  | 'SLUICE_LATE_FINDINGS'
  /** A response cache received a request outside a scope. */
  | 'SLUICE_NO_SCOPE'
  /** Closing at a signal failed. */
  | 'SLUICE_CLOSE_FAILED'
  /** A proxy received a request whose body was already read. */
  | 'SLUICE_BODY_ALREADY_READ'
  /** A rate limit could not be checked. */
  | 'SLUICE_RATE_LIMIT_FAILED'
