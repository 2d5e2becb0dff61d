const { DefaultLogger, dummyPaymentHandler, LogLevel } = require('@vendure/core')

exports.config = {
  apiOptions: { hostname: '127.0.0.1', port: Number(process.env.PORT) },
  // The requests have no cookies.
  authOptions: {
    disableAuth: true,
    cookieOptions: { secret: 'secret' },
    superadminCredentials: { identifier: 'admin', password: 'Passw0rd' },
  },
  dbConnectionOptions: {
    type: 'postgres',
    url: process.env.DATABASE_URL,
    synchronize: process.env.APP_SEEDS === 'yes',
    logging: false,
  },
  logger: new DefaultLogger({ level: LogLevel.Error }),
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  // The plugin for searches would write its index in jobs, at a different time in each mode.
  plugins: [],
}
