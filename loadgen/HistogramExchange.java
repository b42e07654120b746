// The other side of histogram_exchange_test.py: Debian's libhdrhistogram-java, which is HdrHistogram itself.
//
// Reads lines of two forms and answers each with one line, in the form of histogram_exchange.cc:
//   record VALUE[xCOUNT]...   a histogram of these durations, as the library records and encodes it
//   decode TEXT               the histogram that TEXT encodes
// In place of a bucket's greatest value stands what the library calls the highest equivalent value.
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.StringJoiner;
import java.util.zip.DataFormatException;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;

public class HistogramExchange {
    private static final long HIGHEST_NANOS = 60_000_000_000L;
    private static final int DIGITS = 3;
    private static final double[] PERCENTILES = {50, 90, 99, 99.9, 99.99};

    private static Histogram answer(String line) throws DataFormatException {
        String[] words = line.split(" ");
        if (words[0].equals("decode")) {
            ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(words[1]));
            return Histogram.decodeFromCompressedByteBuffer(bytes, 0);
        }
        if (!words[0].equals("record")) {
            throw new IllegalArgumentException("no such command");
        }
        Histogram histogram = new Histogram(1, HIGHEST_NANOS, DIGITS);
        for (int i = 1; i < words.length; ++i) {
            String[] parts = words[i].split("x");
            long count = parts.length > 1 ? Long.parseLong(parts[1]) : 1;
            histogram.recordValueWithCount(Long.parseLong(parts[0]), count);
        }
        return histogram;
    }

    private static String describe(Histogram histogram) {
        ByteBuffer bytes = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
        int length = histogram.encodeIntoCompressedByteBuffer(bytes);
        byte[] used = new byte[length];
        bytes.rewind();
        bytes.get(used);

        StringBuilder quantiles = new StringBuilder();
        for (double percentile : PERCENTILES) {
            quantiles.append('/').append(histogram.getValueAtPercentile(percentile));
        }
        StringJoiner buckets = new StringJoiner(",");
        for (HistogramIterationValue value : histogram.recordedValues()) {
            buckets.add(histogram.highestEquivalentValue(value.getValueIteratedTo()) + ":"
                    + value.getCountAtValueIteratedTo());
        }
        return Base64.getEncoder().encodeToString(used) + " " + histogram.getTotalCount() + " "
                + histogram.getMean() + " " + histogram.getMaxValue() + " " + quantiles + " " + buckets;
    }

    public static void main(String[] arguments) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            try {
                System.out.println(describe(answer(line)));
            } catch (DataFormatException | RuntimeException error) {
                System.out.println("error " + error);
            }
        }
    }
}
