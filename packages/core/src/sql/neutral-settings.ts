import { words } from './keywords.ts'

/** Settings that change no result of a statement, and no table that it names. Setting one changes no row. */
export const neutralSettings: ReadonlySet<string> = words(`
  statement_timeout lock_timeout idle_in_transaction_session_timeout idle_session_timeout transaction_timeout deadlock_timeout
  application_name client_min_messages log_statement log_min_messages log_min_duration_statement log_duration work_mem
  maintenance_work_mem temp_buffers synchronous_commit commit_delay tcp_keepalives_idle tcp_keepalives_interval tcp_keepalives_count
  tcp_user_timeout
  wait_timeout interactive_timeout lock_wait_timeout innodb_lock_wait_timeout max_statement_time max_execution_time net_read_timeout
  net_write_timeout idle_transaction_timeout idle_write_transaction_timeout
  busy_timeout cache_size journal_mode journal_size_limit synchronous temp_store mmap_size wal_autocheckpoint wal_checkpoint optimize
  analysis_limit locking_mode secure_delete auto_vacuum cache_spill threads query_only foreign_keys defer_foreign_keys`)
