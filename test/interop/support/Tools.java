import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.common.utils.Exit;

/**
 * Kafka's command line tools in one process, since each start of a Java takes a second. Every line of input is a JSON array:
 * the main class and its arguments. Every line of output is what that has written, and its exit code.
 */
public class Tools {
    private static final class Ended extends RuntimeException {
        final int code;

        Ended(int code) {
            super(null, null, false, false);
            this.code = code;
        }
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = System.out;
        ObjectMapper json = new ObjectMapper();
        Exit.Procedure exit = (code, message) -> { throw new Ended(code); };
        Exit.setExitProcedure(exit);
        Exit.setHaltProcedure(exit);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null;) {
            String[] command = json.readValue(line, String[].class);
            ByteArrayOutputStream written = new ByteArrayOutputStream();
            PrintStream output = new PrintStream(written, true, StandardCharsets.UTF_8);
            System.setOut(output);
            System.setErr(output);
            int code = run(command);
            answers.println(json.writeValueAsString(Map.of("code", code, "output", written.toString(StandardCharsets.UTF_8))));
            answers.flush();
        }
    }

    private static int run(String[] command) {
        String[] args = java.util.Arrays.copyOfRange(command, 1, command.length);
        try {
            // What is written in Scala has an exit procedure of its own.
            Class.forName(command[0]).getMethod("main", String[].class).invoke(null, (Object) args);
            return 0;
        } catch (java.lang.reflect.InvocationTargetException e) {
            Throwable cause = e.getCause();
            if (cause instanceof Ended) return ((Ended) cause).code;
            cause.printStackTrace();
            return -1;
        } catch (ReflectiveOperationException e) {
            e.printStackTrace();
            return -1;
        }
    }
}
