import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'jose';
import type { StateFile } from './state-file.ts';

// Entra publishes keys long before and after they sign; a day outlives every token (1 h) and most caches of the key set.
const publishedAfterRetirementMs = 24 * 3_600_000;

interface Key {
  kid: string;
  private: KeyObject;
  public: KeyObject;
  retiredAt: number | null;
}

/** RS256 keys: the newest signs, older ones stay published for a day so that what they signed can still be checked. */
export class SigningKeys {
  readonly #file: StateFile;
  readonly #now: () => number;
  #keys: Key[];

  private constructor(file: StateFile, now: () => number) {
    this.#file = file;
    this.#now = now;
    this.#keys = file.state.keys.map(({ kid, pem, retiredAt }) => {
      const key = createPrivateKey(pem);
      return { kid, private: key, public: createPublicKey(key), retiredAt };
    });
  }

  static async open(file: StateFile, now: () => number): Promise<SigningKeys> {
    const keys = new SigningKeys(file, now);
    if (keys.#keys.length === 0) await keys.roll();
    return keys;
  }

  current(): { kid: string; private: KeyObject } {
    const key = this.#keys.at(-1);
    if (!key) throw new Error('There is no signing key.');
    return key;
  }

  published(): JWK[] {
    return this.#live().map((key) => ({ ...key.public.export({ format: 'jwk' }), use: 'sig', kid: key.kid }));
  }

  publicKey(kid: string | undefined): KeyObject {
    const key = this.#live().find((each) => each.kid === kid);
    if (!key) throw new Error('The token was signed by a key that is not published.');
    return key.public;
  }

  async roll(): Promise<void> {
    const pair = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
    const retired = this.#live().map((key) => ({ ...key, retiredAt: key.retiredAt ?? this.#now() }));
    const kid = randomBytes(20).toString('base64url');
    this.#keys = [...retired, { kid, private: pair.privateKey, public: pair.publicKey, retiredAt: null }];
    this.#file.state.keys = this.#keys.map((key) => ({
      kid: key.kid,
      pem: key.private.export({ type: 'pkcs8', format: 'pem' }).toString(),
      retiredAt: key.retiredAt,
    }));
    this.#file.save();
  }

  #live(): Key[] {
    return this.#keys.filter(
      ({ retiredAt }) => retiredAt === null || this.#now() < retiredAt + publishedAfterRetirementMs,
    );
  }
}
