import { SluiceError } from './errors.ts'

/**
 * Whether only developers can reach this process: `NODE_ENV` is `development` or `test`. Any other value is
 * production, and so is none, as a server may be started without it.
 */
export function isDevelopment(): boolean {
  const { NODE_ENV } = process.env
  return NODE_ENV === 'development' || NODE_ENV === 'test'
}

/** Whether reports are printed by default: an app that is tried out without `NODE_ENV` prints them, too. */
export function printsReports(): boolean {
  return process.env.NODE_ENV === undefined || isDevelopment()
}

/** In production, pages and endpoints with internals of the app require `authorize`, or a token. */
export class AuthorizeRequiredError extends SluiceError {
  constructor(
    what: string,
    option = 'authorize',
    expected = 'a function that returns true for those who may read',
  ) {
    super(
      'SLUICE_AUTHORIZE_REQUIRED',
      `${what} without the option \`${option}\` is for development only, and NODE_ENV is ${process.env.NODE_ENV ?? 'not set'}. Pass \`${option}\`, ${expected}, or set NODE_ENV to "development".`,
    )
  }
}

/**
 * @throws AuthorizeRequiredError in production without `authorize`: there a proxy on this machine makes every
 *   request look local.
 */
export function requireAuthorize(what: string, authorize: unknown): void {
  if (authorize === undefined && !isDevelopment()) throw new AuthorizeRequiredError(what)
}

/** Asks the app. Only `true` allows; what is thrown is reported, and refuses. */
export async function isAllowed(check: () => unknown, report: (error: unknown) => void): Promise<boolean> {
  try {
    return (await check()) === true
  } catch (error) {
    report(error)
    return false
  }
}
