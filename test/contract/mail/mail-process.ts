// An inbox in a process of its own, for the test that kills it. Says its SMTP port on standard output.
import { startMail } from '../../../local/mail/index.ts';

const mail = await startMail({ smtpPort: 0, httpPort: 0, path: process.argv[2] ?? ':memory:' });
console.log(mail.smtpPort);
