import { InvalidOptionError } from '@sluice/core'
import { checkOptions, type OptionRule, option, secretsRule } from '@sluice/core/siblings'

export interface ConsistencyCookieOptions {
  /**
   * Name of the cookie. After a write with an unknown outcome, there is an additional cookie with the suffix
   * `-unknown`.
   * @defaultValue 'sluice-consistency'
   */
  readonly name?: string
  /**
   * Signs the cookie (HMAC-SHA256), so that clients cannot forge it. The first secret signs, and signatures
   * of all secrets are accepted. Each has at least 16 characters.
   * @defaultValue none: the cookie is not signed
   */
  readonly secret?: string | readonly string[]
  /**
   * Whether browsers send the cookie over TLS only. `'auto'`: if the request used TLS.
   * @defaultValue 'auto'
   */
  readonly secure?: boolean | 'auto'
  /**
   * Which requests from other sites include the cookie. With `'none'`, it is always `Secure`.
   * @defaultValue 'lax'
   */
  readonly sameSite?: 'strict' | 'lax' | 'none'
  /**
   * Domain of the cookie, including its subdomains.
   * @defaultValue none: only the host of the request
   */
  readonly domain?: string
  /**
   * Lifetime after a write, in seconds. Set it if processes have different values of `maxLagMs`, or
   * PostgreSQL's `wal_writer_delay` is not 200 ms. Minimum: `1`.
   * @defaultValue the lifetime that `maxLagMs` requires, rounded up
   */
  readonly maxAgeSeconds?: number
}

export interface ResolvedConsistencyCookieOptions {
  readonly name: string
  /** Empty: the cookie is not signed. */
  readonly secrets: readonly string[]
  readonly secure: boolean | 'auto'
  readonly sameSite: 'strict' | 'lax' | 'none'
  readonly domain: string | undefined
  readonly maxAgeSeconds: number | undefined
}

const rule = (expected: string, accepts: OptionRule['accepts']): OptionRule => ({ expected, accepts })

const rules: Readonly<Record<string, OptionRule>> = {
  name: rule(
    "a cookie's name: letters, digits and !#$%&'*+-.^_`|~",
    (value) => typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(value),
  ),
  secret: secretsRule,
  secure: rule('true, false or "auto"', (value) => typeof value === 'boolean' || value === 'auto'),
  sameSite: option.oneOf('strict', 'lax', 'none'),
  domain: rule('a domain', (value) => typeof value === 'string' && /^\.?[\w-]+(\.[\w-]+)*$/.test(value)),
  maxAgeSeconds: option.integer(1),
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
export function resolveConsistencyCookieOptions(
  options: ConsistencyCookieOptions,
): ResolvedConsistencyCookieOptions {
  checkOptions(options, rules, 'consistencyCookie.')
  const {
    name = 'sluice-consistency',
    secret = [],
    secure = 'auto',
    sameSite = 'lax',
    domain,
    maxAgeSeconds,
  } = options
  // Browsers accept these cookies only if they are `Secure`.
  const isAlwaysSecure = sameSite === 'none' || /^__(Secure|Host)-/i.test(name)
  if (isAlwaysSecure && secure === false) {
    throw new InvalidOptionError(
      'consistencyCookie.secure',
      `true or "auto" with ${sameSite === 'none' ? 'sameSite "none"' : `the name ${name}`}`,
      secure,
    )
  }
  if (domain !== undefined && /^__Host-/i.test(name)) {
    throw new InvalidOptionError('consistencyCookie.domain', `no domain with the name ${name}`, domain)
  }
  const secrets = typeof secret === 'string' ? [secret] : [...secret]
  return { name, secrets, secure: isAlwaysSecure ? true : secure, sameSite, domain, maxAgeSeconds }
}
