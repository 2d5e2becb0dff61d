import { SluiceError } from './errors.ts'

/** A webhook leads to an address of the own network. */
export class PrivateAddressError extends SluiceError {
  constructor(readonly host: string) {
    super(
      'SLUICE_PRIVATE_ADDRESS',
      `Webhook refused: "${host}" is a private, link-local or reserved address. Expected a public address. Set \`allowPrivateAddresses\` if the receiver is in your own network.`,
    )
  }
}
