import { describe, expect, it } from 'vitest'
import { redact, redactUrl } from '../../src/shared/redact.ts'

describe('redact', () => {
  it.each([
    ['postgres://ann:s3cret@db:5432/app', 'postgres://ann:***@db:5432/app'],
    ['postgres://ann:s3@cret@db/app', 'postgres://ann:***@db/app'],
    ['postgres://ann:s3/c?r#et@db/app', 'postgres://ann:***@db/app'],
    ['postgresql://ann:s3cret@a:1,b:2/app', 'postgresql://ann:***@a:1,b:2/app'],
    ['postgresql://ann:s3%40cret@%2Ftmp%2Fpg/app', 'postgresql://ann:***@%2Ftmp%2Fpg/app'],
    [
      'postgresql:///app?host=/tmp&user=ann&password=s3cret&x=1',
      'postgresql:///app?host=/tmp&user=ann&password=***&x=1',
    ],
    ['mysql2://root:s3cret@db/app', 'mysql2://root:***@db/app'],
    ['jdbc:mysql://root:s3cret@db/app', 'jdbc:mysql://root:***@db/app'],
    ['redis://:s3cret@cache:6379', 'redis://:***@cache:6379'],
    ['rediss://default:s3cret@cache:6379/0', 'rediss://default:***@cache:6379/0'],
    ['https://s3cret@api.example/', 'https://***@api.example/'],
    ['ann:s3cret@db/app', 'ann:***@db/app'],
    ['host=db user=ann password=s3cret dbname=app', 'host=db user=ann password=*** dbname=app'],
    [`host=db password='s3 cr\\'et' dbname=app`, 'host=db password=*** dbname=app'],
    ['file:app.db?key=s3cret&mode=ro', 'file:app.db?key=***&mode=ro'],
    ['https://hooks.example/?token=s3cret', 'https://hooks.example/?token=***'],
    ['https://hooks.example/?api_key=s3cret&sig=s3cret', 'https://hooks.example/?api_key=***&sig=***'],
    [
      'sqlserver://db;user=sa;password={s3;cr et};encrypt=true',
      'sqlserver://db;user=sa;password=***;encrypt=true',
    ],
    [
      'Server=db,1433;User Id=sa;Password=s3 cret;Encrypt=yes',
      'Server=db,1433;User Id=sa;Password=***;Encrypt=yes',
    ],
    ['Server=db,1433;User Id=sa;Pwd=s3 cret', 'Server=db,1433;User Id=sa;Pwd=***'],
    ['host=db password=s3,cr"et)x dbname=app', 'host=db password=*** dbname=app'],
    ['(host=db password=s3cret)', '(host=db password=***)'],
    ['postgres://ann:s3 cret@db/app', 'postgres://ann:***@db/app'],
    ['url=postgres%3A%2F%2Fann%3As3cret%40db%3A5432&x=1', 'url=postgres%3A%2F%2Fann%3A***%40db%3A5432&x=1'],
    ['postgres://ann:s3cret@[::1]:5432/app', 'postgres://ann:***@[::1]:5432/app'],
    ['root:s3cret@tcp(db:3306)/app', 'root:***@tcp(db:3306)/app'],
    ['//ann:s3cret@db/app', '//ann:***@db/app'],
    ['user=ann&pass=s3cret&x=1', 'user=ann&pass=***&x=1'],
    ['Authorization: Bearer s3cret', 'Authorization: ***'],
    ['authorization: Token s3cret', 'authorization: ***'],
    ['Proxy-Authorization: Digest username="ann", response="s3cret"', 'Proxy-Authorization: ***'],
    ['"authorization":"Token s3cret","accept":"*"', '"authorization":***,"accept":"*"'],
    ['Cookie: sid=s3cret; theme=cret\r\nAccept: *', 'Cookie: ***\r\nAccept: *'],
    ['Set-Cookie: sid="s3cret"; HttpOnly', 'Set-Cookie: ***'],
    ['{"cookie":"sid=s3cret; a=b","accept":"*"}', '{"cookie":***,"accept":"*"}'],
    ["{ 'set-cookie': [ 'sid=s3cret', 'b=cret' ], age: 1 }", "{ 'set-cookie': ***, age: 1 }"],
    ["[ 'Cookie', 'sid=s3cret', 'X-Api-Key', 's3cret' ]", "[ 'Cookie', ***, 'X-Api-Key', *** ]"],
    ['X-Api-Key: s3cret', 'X-Api-Key: ***'],
    ['x-sluice-node-auth: 1764. s3cret', 'x-sluice-node-auth: ***'],
    [
      'Cannot reach "postgres://ann:s3cret@db/app" (ECONNREFUSED)',
      'Cannot reach "postgres://ann:***@db/app" (ECONNREFUSED)',
    ],
    ['{"url":"redis://:s3cret@a","password":"s3cret"}', '{"url":"redis://:***@a","password":***}'],
  ])('hides the password in %s', (text, shown) => {
    expect(redact(text)).toBe(shown)
    expect(redact(text)).not.toMatch(/s3|cret/)
  })

  it.each([
    'postgres://db:5432/app',
    'Connect to http://localhost:3000/a?monkey=1',
    '127.0.0.1:5432',
    'SELECT a::int FROM t WHERE b = @x',
    'file:dev.db',
    'a primary key (id)',
    'Cookie: expected a name of a cookie',
    'the sticky cookie: each client stays on its node',
    'ann@example.com',
    'tokens: 5',
    'redis://a:6379 failed, as did mysql://b:3306; mail ann@example.com',
    'Option "monitor.token": expected a text, got 5.',
    'compass=north',
  ])('leaves %s unchanged', (text) => {
    expect(redact(text)).toBe(text)
  })

  it('takes linear time', () => {
    const urls = ['a:', 'a://', 'a://b:', '/a:', 'a:b', '@', 'a.b-', '%3A%2F%2F', '%3A%2F%2Fa%3A']
    for (const part of [
      ...urls,
      "password='",
      'password',
      'key=',
      'key=,,',
      'key={',
      ';pwd=',
      'authorization: basic ',
    ])
      expect(redact(part.repeat(20_000)).length).toBeGreaterThan(0)
  })
})

describe('redactUrl', () => {
  it('shows the scheme and the host of a webhook, whose path and query are secrets', () => {
    expect(redactUrl('https://ann:s3cret@hooks.example:8443/T0/t0ken?key=t0ken')).toBe(
      'https://hooks.example:8443/***',
    )
    expect(redactUrl('ann:s3cret@hooks')).not.toContain('s3cret')
  })
})
