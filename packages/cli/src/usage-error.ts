/** The arguments are wrong; the message says what was expected. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError'
}

/** What `parseArgs` throws at arguments that it does not know. */
export function isParseError(error: unknown): error is Error {
  return error instanceof Error && String((error as { readonly code?: unknown }).code).startsWith('ERR_PARSE_ARGS_')
}
