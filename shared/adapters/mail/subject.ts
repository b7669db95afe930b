/** An ASCII subject such as `=?utf-8?q?=0D=0A…?=` goes out as it stands, and mail programs would decode it (RFC 2047, section 6.2). */
export const undecodable = (subject: string): string => subject.replaceAll('=?', '= ?');
