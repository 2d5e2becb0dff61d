import { SluiceError } from '@sluice/core'

/** In production, a dashboard must be told who may see it. */
export class AuthorizeRequiredError extends SluiceError {
  constructor() {
    super(
      'SLUICE_AUTHORIZE_REQUIRED',
      'In production (NODE_ENV) a dashboard needs the option `authorize`, a function that says who may look ("read") and who may change something ("act").',
    )
  }
}
