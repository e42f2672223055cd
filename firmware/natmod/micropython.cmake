# The same for ports that are built with CMake, ESP32 and RP2: USER_C_MODULES=.../firmware/natmod/micropython.cmake.
set(IPSEC_HEADERS ${CMAKE_BINARY_DIR}/ipsec)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
execute_process(
    COMMAND ${Python3_EXECUTABLE} -m tools.natmod.headers ${IPSEC_HEADERS}
    WORKING_DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/../..
    RESULT_VARIABLE IPSEC_RESULT
)
if(IPSEC_RESULT)
    message(FATAL_ERROR "the headers of the kernels cannot be written: python3 -m tools.natmod.headers")
endif()

add_library(usermod_ipsec INTERFACE)
target_sources(usermod_ipsec INTERFACE ${CMAKE_CURRENT_LIST_DIR}/native.c)
target_include_directories(usermod_ipsec INTERFACE ${CMAKE_CURRENT_LIST_DIR} ${IPSEC_HEADERS})
# Words are read where octets were written
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/native.c PROPERTIES COMPILE_OPTIONS "-fno-strict-aliasing;-fwrapv")
target_link_libraries(usermod INTERFACE usermod_ipsec)
