import type { Readable } from 'node:stream';
import { Disk } from 'flydrive';
import { FSDriver } from 'flydrive/drivers/fs';

/**
 * Where archived months lie: a folder, or `s3://bucket?region=…&endpoint=…`. Credentials of S3 are those that its SDK finds
 * (`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, a role of the machine). With `endpoint`, for servers that only speak S3,
 * the bucket is in the path, and only those checksums are sent that S3 demands.
 */
export async function archiveStore(location: string): Promise<Disk> {
  if (!location.startsWith('s3:')) return new Disk(new FSDriver({ location, visibility: 'private' }));
  // Loaded where it is used: it takes a tenth of a second and some megabytes.
  const [{ S3Client }, { Upload }, { S3Driver }] = await Promise.all([import('@aws-sdk/client-s3'), import('@aws-sdk/lib-storage'), import('flydrive/drivers/s3')]);
  const { hostname: bucket, searchParams } = new URL(location);
  const endpoint = searchParams.get('endpoint');
  const client = new S3Client({
    region: searchParams.get('region') ?? 'us-east-1',
    ...(endpoint !== null && { endpoint, forcePathStyle: true, requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' }),
  });

  /** S3 wants to know the length of a file before it comes; in parts, a month is sent while it is read. */
  class StreamingDriver extends S3Driver {
    override async putStream(key: string, contents: Readable): Promise<void> {
      await new Upload({ client, params: { Bucket: bucket, Key: key, Body: contents } }).done();
    }
  }
  return new Disk(new StreamingDriver({ client, bucket, visibility: 'private', supportsACL: false }));
}
